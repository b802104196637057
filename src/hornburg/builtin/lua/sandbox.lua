-- The world of the scripts. Runs once, before any of them, with the one way to the server and the
-- names of the functions that lie behind it. What scripts can reach is what this file leaves
-- them; what it keeps for itself is in locals, which nothing reaches without the debug library.
local host, names = ...

local error, load, next, rawget, select = error, load, next, rawget, select
local tostring, type, xpcall = tostring, type, xpcall
local collect, concat = collectgarbage, table.concat
local REAL = _G

-- Deny by default: of the globals these stay, of their tables too.
local kept = {
  _G = true, _VERSION = true, assert = true, error = true, getmetatable = true, ipairs = true,
  math = true, next = true, pairs = true, pcall = true, rawequal = true, rawget = true,
  rawlen = true, rawset = true, select = true, setmetatable = true, table = true, tonumber = true,
  tostring = true, type = true, utf8 = true, xpcall = true,
  coroutine = { create = true, isyieldable = true, resume = true, running = true, status = true,
    wrap = true, yield = true },
  os = { clock = true, date = true, difftime = true, time = true },
  string = { byte = true, char = true, find = true, format = true, gmatch = true, gsub = true,
    len = true, lower = true, match = true, pack = true, packsize = true, rep = true,
    reverse = true, sub = true, unpack = true, upper = true },
}
local function keep_only(scope, names_kept)
  local gone = {}
  for name in next, scope do
    if not names_kept[name] then gone[#gone + 1] = name end
  end
  for _, name in next, gone do scope[name] = nil end
end
for name, inner in next, kept do
  if type(inner) == "table" then keep_only(REAL[name], inner) end
end
keep_only(REAL, kept)

-- Scripts have a table of globals of their own: what they make of it, such as one that raises for
-- every name that isn't there, is none of the interpreter's business.
local G = {}
for name in next, kept do G[name] = REAL[name] end
G._G = G

-- Text only: bytecode that is made by hand breaks the interpreter.
function G.load(chunk, name, _, ...)
  if select("#", ...) > 0 then return load(chunk, name, "t", ...) end
  return load(chunk, name, "t", G)
end

-- "stop" would leave everything to the memory limit.
function G.collectgarbage(what)
  what = what or "collect"
  if what ~= "collect" and what ~= "count" and what ~= "step" then
    error("collectgarbage: only 'collect', 'count' and 'step'", 2)
  end
  return collect(what)
end

-- Host functions never raise in Python: they answer whether it went well, and a value.
local function ask(name, ...)
  local well, value = host(name, ...)
  if not well then error(value, 3) end
  return value
end

for _, name in next, names do
  G[name] = function(...) return (ask(name, ...)) end
end

-- Orthanc writes commas between what is printed, and none before there is something.
function G.print(...)
  local parts, first = {}, 1
  for i = 1, select("#", ...) do
    parts[i] = tostring((select(i, ...)))
    if first == i and parts[i] == "" then first = i + 1 end
  end
  ask("print", concat(parts, ", ", first))
end

local print = G.print

local function print_lines(value, path, lines, depth)
  local before = path == "" and "" or path .. ", "
  if type(value) ~= "table" then
    lines[#lines + 1] = before .. type(value) .. ", " .. tostring(value)
    return
  end
  if depth > 32 then error("PrintRecursive: the table is nested too deeply", 0) end
  lines[#lines + 1] = before .. "table"
  for key, item in next, value do
    print_lines(item, path .. "\t[" .. tostring(key) .. "]", lines, depth + 1)
  end
end

function G.PrintRecursive(value)
  local lines = {}
  print_lines(value, "", lines, 0)
  for i = 1, #lines do print(lines[i]) end
end

function G.SetHttpCredentials(user, password)
  ask("SetHttpCredentials", user, password)
end

function G.SetHttpTimeout(seconds)
  ask("SetHttpTimeout", seconds)
end

-- What is called from outside. Errors become text here: Python sees no value of an error.
local function reason_of(reason)
  local kind = type(reason)
  if kind == "string" then return reason end
  if kind == "number" then return tostring(reason) end
  return "an error of type " .. kind
end

local function call(name, ...)
  local f = rawget(G, name)
  if type(f) ~= "function" then return false, "there is no function " .. name end
  return xpcall(f, reason_of, ...)
end

local function run(source, name)
  local f, reason = load(source, name, "t", G)
  if not f then return false, reason_of(reason) end
  return xpcall(f, reason_of)
end

local function defined(wanted)
  local found = {}
  for _, name in next, wanted do
    if type(rawget(G, name)) == "function" then found[#found + 1] = name end
  end
  return found
end

local function tidy() collect("collect") end

return call, run, defined, tidy
