###-begin-capi-completions-###
#
# Installation: capi completion >> ~/.bashrc
#    or capi completion >> ~/.bash_profile on macOS.
#
_capi_yargs_completions()
{
  local current="${COMP_WORDS[COMP_CWORD]}" word
  COMPREPLY=()
  while IFS= read -r word; do
    if [[ "$word" == "$current"* ]]; then COMPREPLY+=("$(printf '%q' "$word")"); fi
  done < <(SHELL=bash capi --get-yargs-completions "${COMP_WORDS[@]}")
}
complete -o bashdefault -o default -F _capi_yargs_completions capi
###-end-capi-completions-###
