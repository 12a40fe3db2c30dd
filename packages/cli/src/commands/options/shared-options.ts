import type { OptionSpec } from "../../parse/option-spec.ts";

const GROUP = "Capability and trust:";

export type AccessOptionName = "capability" | "profile" | "trustedCA-file-path" | "cacert";

/** Options of every command that uses a capability. */
export const ACCESS_OPTIONS: Readonly<Record<AccessOptionName, OptionSpec>> = {
  capability: {
    takes: "secret",
    describe: "Capability URI to use, @FILE or @- [default: the profile's]",
    group: GROUP,
  },
  profile: { takes: "text", describe: 'Profile to take it from [default: "default"]', group: GROUP },
  "trustedCA-file-path": {
    takes: "text",
    describe: "JSON file of CA certificates to trust: authority to PEM",
    group: GROUP,
  },
  cacert: {
    takes: "text",
    describe: "PEM file of the CA to trust for the capability's authority",
    group: GROUP,
  },
};

/** The formats in which a response can be printed. */
export const OUTPUT_FORMATS = ["json", "uri", "env"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

export const OUTPUT_OPTION: OptionSpec = {
  takes: "text",
  choices: OUTPUT_FORMATS,
  describe: "Output format: JSON, bare URIs, or shell variables for eval [default: json]",
};
