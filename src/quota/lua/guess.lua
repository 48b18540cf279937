-- Counts a code that was tried anywhere in the service.
-- KEYS: the window. ARGV: the time or '', the window's length (microseconds), 1 where the code was right, the least
-- number of guesses and the least share of right ones.
-- Returns: whether the alarm is raised, its change (1: raised, -1: ended, 0: none), and the codes tried and confirmed
-- within the window.

local now, length = time(ARGV[1]), tonumber(ARGV[2])
local w = read_window(KEYS[1], now, length)
w.sent = w.sent + 1
if ARGV[3] == '1' then w.confirmed = w.confirmed + 1 end
local inside = 1 - (now % length) / length
local sent = w.sent + inside * w.sent_before
local confirmed = w.confirmed + inside * w.confirmed_before
local raised = sent >= tonumber(ARGV[4]) and confirmed < tonumber(ARGV[5]) * sent
local turn = 0
if raised ~= w.throttled then turn = raised and 1 or -1 end
w.throttled = raised
write_window(KEYS[1], w, length)
return { raised and 1 or 0, turn, math.floor(sent), math.floor(confirmed) }
