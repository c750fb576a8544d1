std = "lua54"
max_line_length = 100
files["scripts"] = { read_globals = { "dam" } }
files["tests"] = { read_globals = { "dam" } }
files["bench"] = { read_globals = { "dam" } }
