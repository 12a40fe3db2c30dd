#compdef capi
###-begin-capi-completions-###
#
# Installation: capi completion >> ~/.zshrc, after compinit.
#
_capi_yargs_completions()
{
  local -a reply
  reply=("${(@f)$(SHELL=zsh capi --get-yargs-completions "${words[@]}")}")
  if [[ -n "${reply[1]}" ]]; then
    _describe 'values' reply
  else
    _default
  fi
}
if [[ "${zsh_eval_context[-1]}" == "loadautofunc" ]]; then
  _capi_yargs_completions "$@"
else
  compdef _capi_yargs_completions capi
fi
###-end-capi-completions-###
