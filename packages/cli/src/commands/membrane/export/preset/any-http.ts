import type { Preset } from "./preset.ts";

export const ANY_HTTP: Preset = {
  name: "any-http",
  describe: "any server: all methods, paths and queries below the URI",
  options: [
    ["allow-path", "true"],
    ["allow-query", "true"],
  ],
  limits: {},
  clients: ({ authority, token }) => [
    { place: "curl", lines: [`curl -H "Authorization: Bearer ${token}" https://${authority}/`] },
    { place: "git", lines: [`git clone https://git:${token}@${authority}/PROJECT.git`] },
  ],
  caVariables: ["CURL_CA_BUNDLE", "GIT_SSL_CAINFO"],
};
