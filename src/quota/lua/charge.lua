-- Charges all keys of an operation, or none of them. GCRA: a key holds the time at which its full burst is available.
--
-- KEYS: one per quota; for a guarded send, then the throttled rate of its destination prefix and the prefix's window.
-- ARGV: the time or '', the number of quotas, and for each its period (microseconds) and burst;
--       for a guarded send, then its period and burst, the window's length (microseconds), the minimum
--       number of sends and the minimum conversion.
-- Returns: the key that refused (1 and up; 0: none), the wait in microseconds, the change of the throttling (1: began,
--       -1: ended, 0: none), the sends and confirmations within the window; and for each quota the microseconds until
--       its full burst is available, after this charge.

local now = time(ARGV[1])
local quotas = tonumber(ARGV[2])
local guarded = #KEYS > quotas

-- The throttled rate is charged only while the prefix is throttled.
local w, length, change, sent, confirmed = nil, 0, 0, 0, 0
local charged = quotas
if guarded then
  local rest = 3 + 2 * quotas + 2
  length = tonumber(ARGV[rest])
  w = read_window(KEYS[quotas + 2], now, length)
  local inside = 1 - (now % length) / length
  sent = w.sent + inside * w.sent_before
  confirmed = w.confirmed + inside * w.confirmed_before
  local pumped = sent >= tonumber(ARGV[rest + 1]) and confirmed < tonumber(ARGV[rest + 2]) * sent
  if pumped then charged = quotas + 1 end
  if pumped ~= w.throttled then change = pumped and 1 or -1 end
  w.throttled = pumped
end

local refused, longest, before, ready = 0, 0, {}, {}
for i = 1, charged do
  local period, burst = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
  -- Never further ahead than one period, even if the clock was set back.
  local ready_at = math.min(tonumber(redis.call('GET', KEYS[i]) or nil) or now, now + period)
  before[i] = math.max(ready_at, now)
  ready[i] = before[i] + period / burst
  local wait = ready[i] - now - period
  -- Half a microsecond of tolerance for rounding.
  if wait > 0.5 and wait > longest then refused, longest = i, wait end
end

if refused == 0 then
  for i = 1, charged do
    -- One period longer than necessary, for a manual clock in tests, which may not advance.
    local ttl = (ready[i] - now + tonumber(ARGV[1 + 2 * i])) / 1000
    redis.call('SET', KEYS[i], string.format('%.3f', ready[i]), 'PX', math.ceil(ttl))
  end
  if guarded then w.sent = w.sent + 1 end
end
if guarded and (refused == 0 or change ~= 0) then write_window(KEYS[quotas + 2], w, length) end

local result = { refused, math.ceil(longest), change, math.floor(sent), math.floor(confirmed) }
for i = 1, quotas do
  result[#result + 1] = math.floor((refused == 0 and ready[i] or before[i]) - now)
end
return result
