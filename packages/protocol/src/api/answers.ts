/** The rights that come with a membrane, as capability URIs. */
export interface MembraneCapabilities {
  readonly export: string;
  readonly revoke: string;
}

/** 201 of `create`, and one entry of `query`. */
export interface MembraneAnswer {
  readonly id: string;
  readonly capabilities: MembraneCapabilities;
}

/** 200 of `query`. */
export interface QueryAnswer {
  /** In the order of the ids' UTF-8 bytes. */
  readonly membranes: readonly MembraneAnswer[];
  /** Whether nothing follows. */
  readonly completed: boolean;
}

/** 201 of `export`. */
export interface ExportAnswer {
  /** Capability URI. */
  readonly capability: string;
}

/** The rights that come with a tenant, as capability URIs. */
export interface TenantCapabilities {
  readonly create: string;
  readonly query: string;
  readonly deleteSelf: string;
}

/** 201 of `provision`. */
export interface ProvisionAnswer {
  readonly id: string;
  readonly capabilities: TenantCapabilities;
}

/** 202 of `revoke` and `deleteSelf`. */
export interface Accepted {
  readonly statusCode: 202;
  readonly message: "Accepted";
}

/** Body of every answer of 400 and above that the service makes itself. */
export interface ErrorBody {
  readonly statusCode: number;
  /** The HTTP reason phrase of the status. */
  readonly error: string;
  /** What and why, for a person. */
  readonly message: string;
  /** Stable, for programs. */
  readonly code: string;
}
