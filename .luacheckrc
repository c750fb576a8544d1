std = "lua54"
max_line_length = 100
ignore = { "581" } -- not (x <= y) is how NaN is caught
files["scripts"] = { read_globals = { "dam" } }
files["tests"] = { read_globals = { "dam" } }
files["bench"] = { read_globals = { "dam" } }
