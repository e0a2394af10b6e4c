-- What `luacheck .` takes for granted. A variable that is only closed at its
-- end is called _.

std = "lua54"
self = false                       -- a method need not use its object
ignore = { "432/self" }            -- nor the one that it stands in
max_line_length = 80
exclude_files = { "build", "lua/pexec/meta.lua" }  -- that is no code
files["spec/**/*_spec.lua"] = { ignore = { "11[123]/Test.*" } }  -- for luaunit
