# Owns one PostgreSQL server: creates it, says "ready", and removes it at the end of standard input, which comes when the
# process that started this script closes it or ends, in whatever way.
#
#   $1  directory of the server's binaries
#   $2  directory to work in, removed at the end; holds settings.conf

trap 'rm -rf "$2"' EXIT
# Neither a Ctrl-C meant for the tests nor an owner that died before it read our answer may leave the server behind.
trap '' INT TERM HUP PIPE

cluster=$2/data
log=$2/log

complain() {
	cat "$log" >&2
	exit 1
}

# A standby comes with a copy of its primary's data.
if [ ! -e "$cluster" ]; then
	"$1/initdb" --no-sync --auth=trust --username=ironflow --encoding=UTF8 --locale=C --pgdata="$cluster" \
		</dev/null >"$log" 2>&1 || complain
fi
cat "$2/settings.conf" >>"$cluster/postgresql.conf"
"$1/pg_ctl" start --pgdata="$cluster" --log="$log" --wait --timeout=60 </dev/null >>"$log" 2>&1 || complain

echo ready
cat >/dev/null

# A server that crashed is not there to stop.
"$1/pg_ctl" status --pgdata="$cluster" </dev/null >>"$log" 2>&1 || exit 0
"$1/pg_ctl" stop --pgdata="$cluster" --mode=immediate --wait --timeout=30 </dev/null >>"$log" 2>&1 || complain
