import { Hono } from "hono";
import type { AppEnv } from "../middleware/app_env.ts";
import { NotFound } from "../services/errors.ts";
import type { InboundSms } from "../services/sms/inbound.ts";
import type { ProviderPaths, SmsProvider } from "../services/sms/provider.ts";
import type { StatusReports } from "../services/sms/status_reports.ts";

/** What the SMS provider's requests need; there only with SMS configured. */
export interface SmsIngress {
  readonly provider: Pick<SmsProvider, "readInbound" | "readReport" | "inboundAnswer">;
  readonly inbound: InboundSms;
  readonly reports: StatusReports;
}

export interface SmsIngressRoutesDependencies {
  readonly paths: ProviderPaths;
  /** Null: SMS is off and the routes answer 404. */
  readonly sms: SmsIngress | null;
}

/** Where the SMS provider hands over what customers write, and reports how far our texts got. */
export function smsIngressRoutes({ paths, sms }: SmsIngressRoutesDependencies) {
  function configured(): SmsIngress {
    if (sms !== null) return sms;
    throw new NotFound("Cannot find anything at this path: expected SMS to be configured");
  }

  return new Hono<AppEnv>()
    .post(paths.inbound, async (c) => {
      const { provider, inbound } = configured();
      await inbound.receive(await provider.readInbound(c.req.raw));
      const { body, contentType } = provider.inboundAnswer;
      return c.body(body, 200, { "content-type": contentType });
    })
    .post(paths.status, async (c) => {
      const { provider, reports } = configured();
      await reports.take(await provider.readReport(c.req.raw));
      return c.body(null, 204);
    });
}
