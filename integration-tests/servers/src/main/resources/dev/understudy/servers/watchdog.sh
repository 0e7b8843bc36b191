# Ends what a JVM leaves behind. Usage: sh watchdog.sh FOLDER
# Reads lines "add PID", "drop PID" and "done" from its standard input, the other end of which only the JVM holds: when
# that closes without "done", however the JVM died, the processes added are killed and FOLDER is removed.
trap '' HUP INT QUIT TERM
folder=$1
pids=
while read -r word pid; do
  case $word in
    add) pids="$pids $pid" ;;
    drop)
      kept=
      for p in $pids; do [ "$p" = "$pid" ] || kept="$kept $p"; done
      pids=$kept
      ;;
    done) exit 0 ;;
  esac
done
tries=0
while [ "$tries" -lt 200 ]; do
  kept=
  for p in $pids; do kill -9 "$p" 2>/dev/null && kept="$kept $p"; done
  pids=$kept
  rm -rf "$folder" 2>/dev/null
  # A killed process that nobody waits for stays as a zombie and counts as alive: two seconds are enough for it.
  [ ! -e "$folder" ] && { [ -z "$pids" ] || [ "$tries" -ge 40 ]; } && exit 0
  tries=$((tries + 1))
  sleep 0.05 2>/dev/null || sleep 1
done
exit 1
