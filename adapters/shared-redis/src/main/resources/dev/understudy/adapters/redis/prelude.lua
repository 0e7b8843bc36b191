-- What every script starts with: the byte layout, the clock and the shard's meta record.
--
-- KEYS   1 entry    <namespace>:{<cache>.<shard>}:e:<key>     (the bare prefix where a script touches no entry)
--        2 meta     <namespace>:{<cache>.<shard>}:m
--        3 queue    <namespace>:{<cache>.<shard>}:q           sorted set: pending key, score = us when it first became pending
-- ARGV   1 key, 2 channel, 3 now in us ('' = TIME of the server), 4 expected generation; then the script's own
-- Answer a word, then what the script's header names; {'GEN'} if the meta is absent or of another generation.
--
-- All numbers are big endian; none (ids included) reaches 2^53, because Lua computes with doubles.
-- META   92 bytes: generation 4 | position 8 | clock 8 | era 8 | acked 8 | applied 8 | superseded 8 | dead 8 | lost 8 | hollow 8 | bytes 8 | oldest 8
--        Always: acked = applied + superseded + dead + lost + pending, where pending = ZCARD(queue) - hollow.
--        hollow = pending records that carry no acknowledged write-back, because a write-through superseded it.
--        bytes = payloads of the pending records; 0 whenever the queue is empty, as records that a stranger deletes are not heard of.
--        oldest = no pending key has waited since before it: a lower bound, made exact by those who need it so.
-- ENTRY  at 0 flags 1: bits 0-2 kind, 3 dirty (pending), 5 second block, 6 own; the others are 0
--        at 1 generation 4 | version 8 | writeId 8 | markers 2 | their deadline 8
--        at 31 second block 28: forgottenAt 8 | dirty: base 8, cv 8; clean: leaseId 8, leaseDeadline 8 | dirty: bytes of the payload 4;
--              a clean entry that has no use for it any more keeps it, all 0, until its payload is replaced
--        then the payload
--   kind  V value, N known absent, T deleted, L placeholder, X forgotten while writers are pending
--   own   a dirty record that carries an acknowledged write-back not yet accounted for
--   base  row version under the first pending write: 0 absent, MAXV unknown
--   cv    highest version that the primary was heard to hold meanwhile (MAXV: deleted or unknown)
-- ANNOUNCEMENT  "<generation> <position> <version> <flags> <key>": flags = kind + 8 if pending; version MAXV = drop the
--        key whatever its version; flags 0 and no key = drop the whole shard
local V,N,T,L,X=1,2,3,4,5
local MAXV=9007199254740991
local META='>I4I8I8I8I8I8I8I8I8I8I8I8'
local now=tonumber(ARGV[3])
if not now then local t=redis.call('TIME'); now=t[1]*1000000+t[2] end
local gen,pos,clock,era,acked,applied,superseded,dead,lost,hollow,bytes,oldest
local meta=redis.call('MGET',KEYS[2])[1]            -- nil too for what a stranger put there and is no text
if meta then gen,pos,clock,era,acked,applied,superseded,dead,lost,hollow,bytes,oldest=struct.unpack(META,meta) end
local function put_meta(entry)                       -- and with it, in one command, an entry without a time to live
  local s=struct.pack(META,gen,pos,clock,era,acked,applied,superseded,dead,lost,hollow,bytes,oldest)
  if entry then redis.call('MSET',KEYS[1],entry,KEYS[2],s) else redis.call('SET',KEYS[2],s) end
end
local function publish(ver,flags)
  redis.call('PUBLISH',ARGV[2],string.format('%.0f %.0f %.0f %d ',gen,pos,ver,flags)..ARGV[1])
end
