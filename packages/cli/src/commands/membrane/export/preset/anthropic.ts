import type { Preset } from "./preset.ts";
import { exportLines } from "./variables.ts";

export const ANTHROPIC: Preset = {
  name: "anthropic",
  target: "Anthropic's API",
  access: "its models, and messages to them",
  uri: "https://api.anthropic.com/",
  credential: { names: ["x-api-key", "authorization"], line: "X-Api-Key: KEY" },
  // Older SDKs send `beta` with every request of their beta interface; lists of models have the other keys.
  options: [
    ["allow-path", "true"],
    ["allow-query-key", "beta"],
    ["allow-query-key", "limit"],
    ["allow-query-key", "after_id"],
    ["allow-query-key", "before_id"],
  ],
  limits: {
    methods: ["GET", "POST"],
    requests: [
      { methods: ["POST"], paths: ["/v1/messages", "/v1/messages/count_tokens"] },
      { methods: ["GET"], paths: ["/v1/models", "/v1/models/*"] },
    ],
  },
  clients: ({ authority, token }) => [
    {
      place: "In the environment of the client",
      lines: exportLines({ ANTHROPIC_BASE_URL: `https://${authority}`, ANTHROPIC_API_KEY: token }),
    },
  ],
  caVariables: ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"],
};
