-- LOST: a living instance reports acknowledged write-backs that nothing can restore (rule 7).
-- ARGV 5 how many; KEYS[1] and ARGV[1] unused
-- Answer OK
acked=acked+ARGV[5]; lost=lost+ARGV[5]
put_meta()
return {'OK'}
