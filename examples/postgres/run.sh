#!/usr/bin/env bash
# Two nodes of one service, a PostgreSQL server that they share, and nginx in front; then the README's tour over both of them.
# MEMBRANE_STORE may name an empty database. Without it, a server of the development packages runs for as long as this script.
set -euo pipefail
cd "$(dirname "$0")/../.."
umask 077

home=$(mktemp -d)
# nginx's workers are another user.
chmod 711 "$home"
# Process ids, the last one that was started first.
processes=()
finish() {
  for process in "${processes[@]}"; do stop "$process" TERM; done
  rm -rf "$home"
}
trap finish EXIT

# start COMMAND…: runs a command until this script ends.
start() {
  "$@" &
  processes=($! "${processes[@]}")
}

# stop PROCESS SIGNAL: ends a process, and waits for its end.
stop() {
  local kept=() process
  for process in "${processes[@]}"; do [ "$process" = "$1" ] || kept+=("$process"); done
  processes=("${kept[@]}")
  kill "-$2" "$1" 2> /dev/null || true
  wait "$1" 2> /dev/null || true
}

# until_it COMMAND…: waits until a command succeeds that shows that what was started last is ready; a minute at most.
until_it() {
  local left=600
  until "$@" > /dev/null 2>&1; do
    ((left--)) && kill -0 "${processes[0]}" 2> /dev/null || { echo "never succeeded: $*" >&2; exit 1; }
    sleep 0.1
  done
}

# expect TEXT COMMAND…: runs a command, shows what it prints, and fails unless that has the text.
expect() {
  local text=$1 printed
  shift
  printed=$("$@" 2>&1) || true
  printf '%s\n' "$printed"
  [[ $printed == *"$text"* ]] || { echo "expected: $text" >&2; exit 1; }
}

# The user's own configuration does not apply to what runs here.
store=${MEMBRANE_STORE:-}
for name in ${!MEMBRANE_@}; do unset "$name"; done
read -r api a b front database < <(node examples/tour/free-ports.js 5)

start node examples/tour/target.js "$api"
if [ -z "$store" ]; then
  start node examples/postgres/server.js "$database" "$home/postgres" > "$home/url"
  until_it grep -q postgres "$home/url"
  store=$(< "$home/url")
fi
# A URL with a password belongs in a variable: other users of the machine can read the command line.
export MEMBRANE_STORE=$store

# One service key for all nodes, and one name, which is nginx's. The first command makes the store and the first tenant.
common=(--service-key-file "$home/service.key" --authority "localhost:$front")
HOME=$home ./node_modules/.bin/membrane init --data "$home/a" "${common[@]}" --profile tour > "$home/first"

# node NAME PORT: starts a node. Its data directory holds no record: they are in the database.
node() {
  start ./node_modules/.bin/membrane serve --data "$home/$1" "${common[@]}" --no-tls --listen "127.0.0.1:$2" \
    --trust-proxy 127.0.0.1 --allow-target "127.0.0.1:$api" --no-profile --log-level error
  until_it curl -sf "http://127.0.0.1:$2/readyz"
}
node a "$a"
first_node=${processes[0]}
node b "$b"

# nginx, with the configuration of examples/nginx in which an operator has replaced name, paths and ports, and named both nodes.
mkdir -m 711 "$home/nginx"
openssl req -x509 -newkey rsa:2048 -nodes -days 1 -subj "/CN=localhost" -addext "subjectAltName=DNS:localhost" \
  -keyout "$home/nginx/privkey.pem" -out "$home/nginx/fullchain.pem" 2> /dev/null
sed -e "s|user www-data;||; s|/run/nginx.pid|$home/nginx/pid|; s|/var/log/nginx|$home/nginx|; s|listen \[::\]:443 ssl;||" \
  -e "s|/etc/letsencrypt/live/membrane.example|$home/nginx|; s|membrane.example|localhost|; s|listen 443 |listen 127.0.0.1:$front |" \
  -e "s|server 127.0.0.1:8443;|server 127.0.0.1:$a; server 127.0.0.1:$b;|" \
  examples/nginx/nginx.conf > "$home/nginx/nginx.conf"
start nginx -p "$home/nginx" -c "$home/nginx/nginx.conf" -e stderr -g "daemon off;"
until_it curl -sf --cacert "$home/nginx/fullchain.pem" "https://localhost:$front/healthz"

capi() { HOME=$home ./node_modules/.bin/capi "$@" --profile tour --cacert "$home/nginx/fullchain.pem"; }

# at PORT URI [ARGUMENT…]: uses a capability at one node, without nginx.
at() {
  curl -s -H @- -H "Host: localhost:$front" "${@:3}" "http://127.0.0.1:$1/" <<< "Authorization: Bearer ${2##*#}"
}

echo "The API without its key:"
expect "Who are you?" curl -s "http://127.0.0.1:$api/"

echo "A membrane and two capabilities, made through nginx by either node:"
made=$(capi membrane create --id my-friends --output env)
eval "$made"
capi membrane export --id my-friends --uri "http://127.0.0.1:$api/" --header "X-Api-Key: the-key-to-the-house" --output uri > "$home/report"
capi membrane export --id my-friends --capability-to-export "@$home/report" --output uri > "$home/friend"
report=$(< "$home/report") friend=$(< "$home/friend")
expect "The treasure room is open." capi request "@$home/friend"

echo "The same at each node:"
for port in "$a" "$b"; do expect "The treasure room is open." at "$port" "$friend"; done

echo "A revoke at the first node holds at the second from its next request on:"
expect "Accepted" at "$a" "$REVOKE_URI" -X POST
for uri in "$report" "$friend"; do expect "Unauthorized" at "$b" "$uri"; done
expect "Unauthorized" capi request "@$home/friend"

echo "The first node is killed. The second serves, and waits for the other's lease when it revokes:"
made=$(capi membrane create --id others --output env)
eval "$made"
capi membrane export --id others --uri "http://127.0.0.1:$api/" --header "X-Api-Key: the-key-to-the-house" --output uri > "$home/report"
report=$(< "$home/report")
expect "The treasure room is open." at "$a" "$report"
stop "$first_node" KILL
expect "The treasure room is open." at "$b" "$report"
expect "Accepted" at "$b" "$REVOKE_URI" -X POST

echo "The first node comes back, and knows of it:"
node a "$a"
expect "Unauthorized" at "$a" "$report"
echo "The tour runs over two nodes on PostgreSQL."
