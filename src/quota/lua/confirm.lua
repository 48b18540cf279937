-- Counts a confirmed code for a destination prefix.
-- KEYS: the prefix's window. ARGV: the time or '', the window's length (microseconds).

local length = tonumber(ARGV[2])
local w = read_window(KEYS[1], time(ARGV[1]), length)
w.confirmed = w.confirmed + 1
write_window(KEYS[1], w, length)
