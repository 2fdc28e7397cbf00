#!/bin/bash
# Asks the service in this container whether it lives: exit code 0 or 1. It is asked where it listens, whichever address family
# that is. Bash, since another Node process every few seconds takes 45 to 90 MB for as long as it runs.
# build/programs.js writes it to dist/, with the defaults of the settings in place of {{their names}}.

setting() { # the value of the variable, or else the default; blank is not set
  local value=${!1:-}
  value=${value#"${value%%[![:space:]]*}"}
  value=${value%"${value##*[![:space:]]}"}
  printf %s "${value:-$2}"
}

# The second program of the package, where that is what runs in this container.
mapfile -d '' -t words </proc/1/cmdline 2>/dev/null
# It runs too where the first one is given no command, and a queue.
if [[ "${words[*]}" == *persistent-cache* || "${words[*]}" == *cli.js\ consume* || ("${words[*]}" == *cli.js && -n $(setting QUEUE_URL '')) ]]; then
  port=$(setting METRICS_PORT "$(setting PORT '{{persistent-cache PORT}}')")
  path='{{HEALTH_ENDPOINT_URL}}'
  host=
else
  port=$(setting METRICS_PORT '{{METRICS_PORT}}')
  path=$(setting HEALTH_ENDPOINT_URL '{{HEALTH_ENDPOINT_URL}}')
  host=$(setting LISTEN_HOST '')
fi
path=${path#"${path%%[!/]*}"}

case $host in
  '' | ::) hosts=(127.0.0.1 ::1) ;;
  0.0.0.0) hosts=(127.0.0.1) ;;
  *) hosts=("$host") ;;
esac

ask() { # 0 where the service answers with 2xx; else says what came instead
  local status
  exec 3<>"/dev/tcp/$1/$port" || return 1
  printf 'GET /%s HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n' "$path" >&3
  read -r -t 2 _ status _ <&3
  [[ $status == 2?? ]] && return 0
  echo "answers ${status:-nothing}"
  return 1
}

reasons=
for address in "${hosts[@]}"; do
  if reason=$(ask "$address" 2>&1); then exit 0; fi
  reasons+="$address port $port /$path: ${reason##*: }"$'\n'
done
printf %s "$reasons" >&2
exit 1
