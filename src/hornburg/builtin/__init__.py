"""Our own features written as hooks: Lua."""
