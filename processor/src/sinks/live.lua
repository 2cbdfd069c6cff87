#!lua name=updraft_1

-- KEYS: the GEO set, the set of last-seen times, then the hash of each object.
-- ARGV: the seconds for which the end of an object is remembered; then for each object:
--   member, version, last seen (ms), lifetime (s; 0: it has ended), longitude, latitude ('': no position),
--   number of fields, then name and value of each.
-- Returns how many were newer than the known ones.
local function put(keys, args)
  local geo, seen, remembered = keys[1], keys[2], args[1]
  local at, applied = 2, 0
  for index = 3, #keys do
    local key = keys[index]
    local member, version, seen_ms, lifetime = args[at], args[at + 1], args[at + 2], tonumber(args[at + 3])
    local longitude, latitude, fields = args[at + 4], args[at + 5], tonumber(args[at + 6])
    local first = at + 7
    at = first + 2 * fields
    local known = redis.call('HGET', key, 'version')
    if not known or tonumber(known) <= tonumber(version) then
      applied = applied + 1
      redis.call('DEL', key)
      if lifetime == 0 then
        redis.call('HSET', key, 'version', version, 'gone', '1')
        redis.call('EXPIRE', key, remembered)
        redis.call('ZREM', geo, member)
        redis.call('ZREM', seen, member)
      else
        redis.call('HSET', key, unpack(args, first, at - 1))
        redis.call('EXPIRE', key, lifetime)
        redis.call('ZADD', seen, seen_ms, member)
        -- The index ends at 85.05 degrees.
        if longitude ~= '' and math.abs(tonumber(latitude)) <= 85.05 then
          redis.call('GEOADD', geo, longitude, latitude, member)
        else
          redis.call('ZREM', geo, member)
        end
      end
    end
  end
  return applied
end

-- KEYS: the GEO set, the set of last-seen times. ARGV: a time (ms), the most members to remove.
-- Removes members that were last seen before the time. Returns how many.
local function sweep(keys, args)
  local expired = redis.call('ZRANGEBYSCORE', keys[2], '-inf', '(' .. args[1], 'LIMIT', 0, args[2])
  if #expired > 0 then
    redis.call('ZREM', keys[1], unpack(expired))
    redis.call('ZREM', keys[2], unpack(expired))
  end
  return #expired
end

redis.register_function('updraft_put', put)
redis.register_function('updraft_sweep', sweep)
