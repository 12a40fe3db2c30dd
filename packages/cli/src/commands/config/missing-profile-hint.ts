/** Hint when the profile of `config list` or `config remove` does not exist. */
export const MISSING_PROFILE_HINT = "capi config configure   creates profiles.";
