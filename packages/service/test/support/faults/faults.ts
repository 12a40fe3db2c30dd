import type { Fault } from "./fault.ts";
import { NETWORK_FAULTS } from "./faults-of-network.ts";
import { PROCESS_FAULTS } from "./faults-of-processes.ts";
import { SERVER_FAULTS } from "./faults-of-server.ts";

/** All faults, in the order in which rounds have them. */
export const FAULTS: readonly Fault[] = [...SERVER_FAULTS, ...NETWORK_FAULTS, ...PROCESS_FAULTS];
