"""Server-side scripting with Lua (Orthanc Book, users/lua), in a process of its own."""

from hornburg.builtin.lua.loading import make_lua
from hornburg.builtin.lua.plugin import NAME, LuaPlugin

__all__ = ["NAME", "LuaPlugin", "make_lua"]
