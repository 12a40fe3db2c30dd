export { ProfileError, type ProfileErrorCode } from "./error.ts";
export { PROFILE_NAME_EXPECTED, type Profile, isProfileName } from "./profile.ts";
export {
  changeProfile,
  createProfile,
  listProfiles,
  profileDirectory,
  readProfile,
  removeProfile,
} from "./profiles.ts";
