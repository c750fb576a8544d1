# Completion of damlua for bash: options, verbs with their own, scripts and result files.
_damlua() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}
  local options="-e -l -i -m -v --device --threads --sandbox --out --read --max-memory --max-time
    --results --strict --traceback --quiet --dry-run --fresh --shard --version --help"
  local verbs="bundle export help info merge plot replay selftest status verify"
  local word verb= i
  # bash divides "--name=value" at the sign.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    [[ $word == -m ]] && verb=${COMP_WORDS[i + 1]} && break
    [[ $word == *.lua ]] && verb=script && break
  done
  case $prev in
  -m) COMPREPLY=($(compgen -W "$verbs" -- "$cur")); return ;;
  --device) COMPREPLY=($(compgen -W "auto cpu cuda cuda:0 cuda-on-cpu" -- "$cur")); return ;;
  --out | --read | --results) COMPREPLY=($(compgen -d -- "$cur")); return ;;
  --units) COMPREPLY=($(compgen -W "all" -- "$cur")); return ;;
  -e | -l | --threads | --shard | --max-memory | --max-time | --seed) return ;;
  esac
  if [[ $cur == -* ]]; then
    case $verb in
    verify) options="--units --seed --trust" ;;
    replay) options="--out --trust" ;;
    ?*) options= ;;
    esac
    COMPREPLY=($(compgen -W "$options" -- "$cur"))
  elif [[ -n $verb ]]; then
    COMPREPLY=($(compgen -f -- "$cur"))
  else
    COMPREPLY=($(compgen -f -X '!*.lua' -- "$cur") $(compgen -d -- "$cur"))
  fi
}
complete -o filenames -F _damlua damlua
