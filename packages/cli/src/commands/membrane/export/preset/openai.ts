import type { Preset } from "./preset.ts";
import { exportLines } from "./variables.ts";

/**
 * What computes a response. Endpoints that keep something in the account (files, batches, stored responses) are not among them, since
 * all holders would share it.
 */
const ENDPOINTS = [
  "/chat/completions",
  "/completions",
  "/responses",
  "/responses/compact",
  "/responses/input_tokens",
  "/embeddings",
  "/moderations",
  "/images/generations",
  "/images/edits",
  "/images/variations",
  "/audio/speech",
  "/audio/transcriptions",
  "/audio/translations",
];

export const OPENAI: Preset = {
  name: "openai",
  target: "OpenAI's API or a compatible one",
  access: "its models, and the endpoints that use them",
  uri: "https://api.openai.com/v1",
  credential: { names: ["authorization"], line: "Authorization: Bearer KEY" },
  options: [["allow-path", "true"]],
  limits: {
    methods: ["GET", "POST"],
    requests: [
      { methods: ["POST"], paths: ENDPOINTS },
      { methods: ["GET"], paths: ["/models", "/models/*"] },
    ],
  },
  clients: ({ authority, token }) => [
    {
      place: "In the environment of the client (without /v1, which is in the target's URI)",
      lines: exportLines({ OPENAI_BASE_URL: `https://${authority}`, OPENAI_API_KEY: token }),
    },
  ],
  caVariables: ["NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"],
};
