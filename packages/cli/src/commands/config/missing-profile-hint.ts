/** What to do when a profile that `config list` or `config remove` names does not exist. */
export const MISSING_PROFILE_HINT = "capi config configure   makes profiles.";
