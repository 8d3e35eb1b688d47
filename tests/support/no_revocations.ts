import type { Revocations } from "../../services/auth/revocations.ts";

/** A deny list on which nothing is. */
export const NO_REVOCATIONS: Pick<Revocations, "isRevoked"> = {
  isRevoked: () => Promise.resolve(false),
};
