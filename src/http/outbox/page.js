
'use strict';

const WORDS = {
  ko: {
    title: '개발용 메시지함',
    lead: '개발 중에는 메시지가 사람에게 가지 않고 여기에 도착합니다. 인증번호를 누르면 복사됩니다.',
    filter: '받는 사람으로 찾기',
    messages: '메시지',
    skip: '메시지로 건너뛰기',
    hintJson: 'JSON으로 받으려면 `Accept: application/json`',
    hintFile: '파일은 `DATA_DIR`의 `outbox.jsonl`',
    empty: '아직 온 메시지가 없습니다',
    emptyHint: '`sendVerificationCode`를 부르면 여기에 바로 나타납니다.',
    nothing: '찾는 사람에게 온 메시지가 없습니다',
    connecting: '연결하는 중', live: '실시간으로 보고 있습니다', lost: '연결이 끊겼습니다. 다시 연결하는 중',
    SMS: '문자', VOICE: '음성 전화', EMAIL: '이메일',
    copy: '복사', copied: '복사했습니다', failed: '복사하지 못했습니다',
    copyCode: (code) => `인증번호 ${code} 복사`,
    arrived: (channel, to) => `새 ${channel} 메시지, ${to}`,
    more: '더 보기', less: '접기',
  },
  en: {
    title: 'Development outbox',
    lead: 'During development, messages are not sent: they appear here. Click a code to copy it.',
    filter: 'Find by recipient',
    messages: 'Messages',
    skip: 'Skip to the messages',
    hintJson: 'As JSON with `Accept: application/json`',
    hintFile: 'In the file `outbox.jsonl` in `DATA_DIR`',
    empty: 'No messages yet',
    emptyHint: 'Call `sendVerificationCode`, and it appears here at once.',
    nothing: 'No messages to that recipient',
    connecting: 'Connecting', live: 'Watching live', lost: 'Connection lost. Trying again',
    SMS: 'text', VOICE: 'voice', EMAIL: 'e-mail',
    copy: 'Copy', copied: 'Copied', failed: 'Could not copy',
    copyCode: (code) => `Copy code ${code}`,
    arrived: (channel, to) => `New ${channel} message to ${to}`,
    more: 'Show more', less: 'Show less',
  },
};
const ICONS = {
  SMS: 'M4.5 5.5h15a1 1 0 0 1 1 1v8.5a1 1 0 0 1-1 1h-8L7 19.5V16H4.5a1 1 0 0 1-1-1V6.5a1 1 0 0 1 1-1Z',
  VOICE: 'M7 3.5h2.5l1.5 4-2 1.5a12 12 0 0 0 6 6l1.5-2 4 1.5V17a3 3 0 0 1-3.2 3A15.5 15.5 0 0 1 4 6.7 3 3 0 0 1 7 3.5Z',
  EMAIL: 'M4 5.5h16a1 1 0 0 1 1 1v11a1 1 0 0 1-1 1H4a1 1 0 0 1-1-1v-11a1 1 0 0 1 1-1Zm-.7.8L12 13l8.7-6.7',
};
const SHOWN = 200;
const LINES = 7;

const $ = (id) => document.getElementById(id);
const cards = new Map();
let first = true;
let connection = 'connecting';
let language = remembered() ?? (navigator.language.toLowerCase().startsWith('ko') ? 'ko' : 'en');

function remembered() {
  try { return WORDS[localStorage.getItem('outbox-language')] && localStorage.getItem('outbox-language'); } catch { return null; }
}

function element(name, attributes, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function icon(channel) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
  svg.setAttribute('viewBox', '0 0 24 24');
  path.setAttribute('d', ICONS[channel] ?? ICONS.SMS);
  svg.append(path);
  return element('span', { class: 'icon', 'aria-hidden': 'true' }, svg);
}

// The message text with a highlighted code and clickable links. Built from nodes, so that message content is never
// parsed as HTML.
function textOf(message) {
  const parts = message.text.trim().split(/(https?:\/\/\S+)/);
  return parts.flatMap((part, at) => {
    if (at % 2) return [element('a', { href: part, rel: 'noreferrer', target: '_blank' }, part)];
    if (!message.code) return [part];
    return part.split(message.code).flatMap((piece, before) => (before ? [element('mark', {}, message.code), piece] : [piece]));
  });
}

function card(message) {
  const words = WORDS[language];
  const to = element('span', { class: 'to', title: message.to }, message.to);
  const when = element('time', { class: 'when', datetime: message.createdAt, title: new Date(message.createdAt).toLocaleString(language) });
  const channel = element('span', { class: 'visually-hidden' }, `${words[message.channel] ?? message.channel} `);
  const text = element('p', { class: 'text' }, ...textOf(message));
  const node = element('li', { class: first ? 'message' : 'message new', 'data-channel': message.channel },
    element('header', {}, icon(message.channel), channel, to, when));
  if (message.subject) node.append(element('p', { class: 'subject' }, message.subject));
  node.append(text);
  if (message.text.split('\n').reduce((lines, line) => lines + 1 + Math.floor(line.length / 40), 0) > LINES) {
    text.classList.add('long');
    const more = element('button', { class: 'more', type: 'button', 'aria-expanded': 'false' }, words.more);
    more.addEventListener('click', () => {
      const open = text.classList.toggle('open');
      more.setAttribute('aria-expanded', String(open));
      more.textContent = open ? WORDS[language].less : WORDS[language].more;
    });
    node.append(more);
  }
  if (message.code) {
    const label = element('span', { 'aria-hidden': 'true' }, words.copy);
    const apart = [...message.code].join(' ');
    const copy = element('button', { class: 'copy', type: 'button', 'aria-label': words.copyCode(apart) },
      element('b', { 'aria-hidden': 'true' }, message.code), label);
    copy.addEventListener('click', () => copyCode(copy, label, message.code));
    node.append(copy);
  }
  return node;
}

async function copyCode(button, label, code) {
  const words = WORDS[language];
  const done = await toClipboard(code);
  button.classList.toggle('done', done);
  label.textContent = done ? words.copied : words.failed;
  announce(done ? words.copied : words.failed);
  setTimeout(() => {
    button.classList.remove('done');
    label.textContent = WORDS[language].copy;
  }, 1600);
}

// The Clipboard API is missing if the page is not served from this machine or over HTTPS.
async function toClipboard(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = element('textarea', { class: 'visually-hidden', readonly: '' });
    const focused = document.activeElement;
    field.value = text;
    document.body.append(field);
    field.select();
    const done = document.execCommand('copy');
    field.remove();
    focused?.focus();
    return done;
  }
}

// Text between backquotes is shown as code.
function withCode(text) {
  return text.split('`').map((part, at) => (at % 2 ? element('code', {}, part) : part));
}

function announce(text) {
  $('spoken').textContent = '';
  requestAnimationFrame(() => { $('spoken').textContent = text; });
}

// Fetches and shows the list. Existing cards are kept, with their focus and expanded text.
let requests = 0;
async function refresh() {
  const request = ++requests;
  const query = new URLSearchParams({ limit: SHOWN });
  if ($('to').value.trim()) query.set('to', $('to').value.trim());
  let messages;
  try {
    const answer = await fetch(`/dev/outbox?${query}`, { headers: { accept: 'application/json' } });
    if (!answer.ok) return;
    messages = await answer.json();
  } catch {
    return;
  }
  // A newer request was started in the meantime.
  if (request !== requests) return;
  const wanted = new Set(messages.map((message) => message.id));
  for (const [id, node] of cards) {
    if (!wanted.has(id)) { node.remove(); cards.delete(id); }
  }
  const fresh = messages.filter((message) => !cards.has(message.id));
  for (const message of fresh) cards.set(message.id, card(message));
  // Cards are only moved if their position has changed: moving a card would take the focus from it.
  messages.forEach((message, at) => {
    const node = cards.get(message.id);
    if ($('list').children[at] !== node) $('list').insertBefore(node, $('list').children[at] ?? null);
  });
  if (!first && fresh.length) {
    const [newest] = fresh;
    announce(WORDS[language].arrived(WORDS[language][newest.channel] ?? newest.channel, newest.to));
  }
  first = false;
  $('empty').hidden = messages.length > 0;
  $('empty-title').textContent = WORDS[language][query.has('to') ? 'nothing' : 'empty'];
  tick();
}

function tick() {
  const now = new Date();
  $('clock').textContent = now.toLocaleTimeString(language, { hour: 'numeric', minute: '2-digit', hour12: false });
  const ago = new Intl.RelativeTimeFormat(language, { numeric: 'auto', style: 'short' });
  for (const time of document.querySelectorAll('.when')) {
    const sent = new Date(time.dateTime);
    const seconds = Math.min(0, Math.round((sent - now) / 1000));
    time.textContent = seconds > -60 ? ago.format(0, 'second')
      : seconds > -3600 ? ago.format(Math.trunc(seconds / 60), 'minute')
      : sent.toDateString() === now.toDateString() ? sent.toLocaleTimeString(language, { hour: 'numeric', minute: '2-digit' })
      : sent.toLocaleDateString(language, { month: 'short', day: 'numeric' });
  }
}

function show(state) {
  connection = state;
  $('state').dataset.state = state;
  $('state-text').textContent = WORDS[language][state];
}

function setLanguage(chosen) {
  language = chosen;
  document.documentElement.lang = chosen;
  document.title = WORDS[chosen].title;
  for (const node of document.querySelectorAll('[data-say]')) node.replaceChildren(...withCode(WORDS[chosen][node.dataset.say]));
  for (const node of document.querySelectorAll('[data-label]')) node.setAttribute('aria-label', WORDS[chosen][node.dataset.label]);
  for (const node of document.querySelectorAll('[data-language]')) node.setAttribute('aria-pressed', String(node.dataset.language === chosen));
  show(connection);
  for (const node of cards.values()) node.remove();
  cards.clear();
  first = true;
  refresh();
}

for (const node of document.querySelectorAll('[data-language]')) {
  node.addEventListener('click', () => {
    try { localStorage.setItem('outbox-language', node.dataset.language); } catch { /* remembered until the page is closed */ }
    setLanguage(node.dataset.language);
  });
}
document.querySelector('form').addEventListener('submit', (event) => event.preventDefault());
$('to').value = new URLSearchParams(location.search).get('to') ?? '';
$('to').addEventListener('input', () => { first = true; refresh(); });
setLanguage(language);
setInterval(tick, 15000);

const events = new EventSource('/dev/outbox/events');
events.addEventListener('open', () => show('live'));
events.addEventListener('error', () => show('lost'));
events.addEventListener('changed', refresh);
