/** Headers in which APIs accept a credential, some in other spellings of one name. */
export const CREDENTIAL_HEADERS: readonly string[] = [
  "X-Api-Key",
  "api-key",
  "X-Goog-Api-Key",
  "X-Amz-Security-Token",
  "apikey",
  "Ocp-Apim-Subscription-Key",
  "PRIVATE-TOKEN",
  "JOB-TOKEN",
  "X-Auth-Token",
  "X-Access-Token",
  "X-Vault-Token",
  "X_API_KEY",
  "api_key",
  "x-shopify-access-token",
  "DD-API-KEY",
  "X-Authorization",
];
