problem-other = x
field-invalid = x
span-seconds = { $count }s
span-minutes = { $count }m
span-hours = { $count }h
span-days = { $count }d
