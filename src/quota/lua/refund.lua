-- Refunds a send that was charged and did not happen.
--
-- KEYS: one per quota; for a guarded send, then the throttled rate of its destination prefix and the prefix's window.
-- ARGV: the time or '', the number of quotas, and for each its period (microseconds) and burst;
--       for a guarded send, then its period and burst, and the window's length (microseconds).

local now = time(ARGV[1])
local quotas = tonumber(ARGV[2])
local charged = quotas

if #KEYS > quotas then
  local length = tonumber(ARGV[5 + 2 * quotas])
  local w = read_window(KEYS[quotas + 2], now, length)
  if w.throttled then charged = quotas + 1 end
  w.sent = math.max(w.sent - 1, 0)
  write_window(KEYS[quotas + 2], w, length)
end

for i = 1, charged do
  local ready_at = tonumber(redis.call('GET', KEYS[i]) or nil)
  if ready_at then
    local period, burst = tonumber(ARGV[1 + 2 * i]), tonumber(ARGV[2 + 2 * i])
    redis.call('SET', KEYS[i], string.format('%.3f', ready_at - period / burst), 'KEEPTTL')
  end
end
