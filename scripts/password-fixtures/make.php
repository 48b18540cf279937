<?php
// Generates password hashes with PHP and its libraries, for tests/fixtures/passwords/php.json.
//
// apt-get install php-cli php-symfony-password-hasher
// php make.php > ../../tests/fixtures/passwords/php.json

require '/usr/share/php/Symfony/Component/PasswordHasher/autoload.php';

use Symfony\Component\PasswordHasher\Hasher\NativePasswordHasher;

// Passwords that NFKC changes.
$passwords = [
    "\u{3142}\u{3163}\u{3141}\u{3163}\u{3139}-1234",
    "\u{ff50}\u{ff41}\u{ff53}\u{ff53}\u{ff57}\u{ff4f}\u{ff52}\u{ff44}-1234",
    "\u{1107}\u{1175}\u{1106}\u{1175}\u{11af}\u{1107}\u{1165}\u{11ab}\u{1112}\u{1169}-1234",
    "wait\u{2026}for it",
    "\u{fb01}nal-password",
    "pass\u{a0}word-1234",
];
$fixtures = [];

function add(string $system, string $by, callable $make, string $more = '')
{
    global $fixtures, $passwords;
    foreach ([0, 3] as $n) {
        $password = $passwords[(count($fixtures) + $n) % count($passwords)] . $more;
        $fixtures[] = [
            'system' => $system,
            'made_by' => $by,
            'password' => $password,
            'wrong' => 'x' . $password,
            'password_hash' => $make($password),
        ];
    }
}

$php = 'PHP ' . PHP_VERSION;
$symfony = 'symfony/password-hasher 5.4.53 on ' . $php;
$argon = ['memory_cost' => 65536, 'time_cost' => 4, 'threads' => 1];
add('Laravel, PHP bcrypt', $php, fn ($p) => password_hash($p, PASSWORD_BCRYPT, ['cost' => 5]));
add('Laravel, PHP argon2id', $php, fn ($p) => password_hash($p, PASSWORD_ARGON2ID, $argon));
add('Laravel, PHP argon2i', $php, fn ($p) => password_hash($p, PASSWORD_ARGON2I, $argon));
add('WordPress, md5', $php, fn ($p) => md5($p));
$native = new NativePasswordHasher(null, null, 5, PASSWORD_BCRYPT);
add('Symfony bcrypt', $symfony, fn ($p) => $native->hash($p));
$long = str_repeat('long enough for bcrypt ', 4);
add('Symfony bcrypt, long', $symfony, fn ($p) => ['format' => 'symfony', 'hash' => $native->hash($p)], $long);
$sixEight = fn ($p) => '$wp' . password_hash(
    base64_encode(hash_hmac('sha384', trim($p), 'wp-sha384', true)), PASSWORD_BCRYPT, ['cost' => 5]
);
add('WordPress 6.8', $php, $sixEight);
$lines = array_map(fn ($fixture) => json_encode($fixture, JSON_UNESCAPED_SLASHES), $fixtures);
echo "{\"fixtures\": [\n" . implode(",\n", $lines) . "\n]}\n";
