-- Shared by the scripts that follow it: the time, and the sliding window of a destination prefix as a hash.
-- It implements the same rule as pumping.rs; a test compares the two.

-- In microseconds. The clock of Redis is the same for all processes; a time is passed by tests only.
local function time(given)
  if given ~= '' then return tonumber(given) end
  local now = redis.call('TIME')
  return tonumber(now[1]) * 1000000 + tonumber(now[2])
end

-- The window, slid to `now`. `length` in microseconds.
local function read_window(key, now, length)
  local f = redis.call('HMGET', key, 'slot', 'sent', 'confirmed', 'sent_before', 'confirmed_before', 'throttled')
  local slot = math.floor(now / length)
  local w = {
    slot = tonumber(f[1]) or slot,
    sent = tonumber(f[2]) or 0, confirmed = tonumber(f[3]) or 0,
    sent_before = tonumber(f[4]) or 0, confirmed_before = tonumber(f[5]) or 0,
    throttled = f[6] == '1',
  }
  local age = slot - w.slot
  if age == 1 then
    w.sent_before, w.confirmed_before, w.sent, w.confirmed = w.sent, w.confirmed, 0, 0
  elseif age > 1 then
    w.sent_before, w.confirmed_before, w.sent, w.confirmed = 0, 0, 0, 0
  end
  if age > 0 then w.slot = slot end
  return w
end

local function write_window(key, w, length)
  redis.call('HSET', key, 'slot', w.slot, 'sent', w.sent, 'confirmed', w.confirmed,
    'sent_before', w.sent_before, 'confirmed_before', w.confirmed_before, 'throttled', w.throttled and '1' or '0')
  redis.call('PEXPIRE', key, math.ceil(2 * length / 1000))
end
