import { type Context, Hono, type Next } from "hono";
import type { AppEnv, RouteGuards } from "../middleware/app_env.ts";
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
  readonly guards: Pick<RouteGuards, "attempts" | "ingress">;
  readonly paths: ProviderPaths;
  /** Null: SMS is off and the routes answer 404. */
  readonly sms: SmsIngress | null;
}

/** Where the SMS provider hands over what customers write, and reports how far our texts got. */
export function smsIngressRoutes({ guards, paths, sms }: SmsIngressRoutesDependencies) {
  function configured(): SmsIngress {
    if (sms !== null) return sms;
    throw new NotFound("Cannot find anything at this path: expected SMS to be configured");
  }

  const { attempts } = guards;
  const known = guards.ingress("texts");
  return new Hono<AppEnv>()
    .post(paths.inbound, attempts, readInbound, known, async (c) => {
      const { provider, inbound } = configured();
      await inbound.receive(c.get("inboundSms"));
      const { body, contentType } = provider.inboundAnswer;
      return c.body(body, 200, { "content-type": contentType });
    })
    .post(paths.status, attempts, readReport, known, async (c) => {
      await configured().reports.take(c.get("smsReport"));
      return c.body(null, 204);
    });

  async function readInbound(c: Context<AppEnv>, next: Next): Promise<void> {
    c.set("inboundSms", await configured().provider.readInbound(c.req.raw));
    await next();
  }

  async function readReport(c: Context<AppEnv>, next: Next): Promise<void> {
    c.set("smsReport", await configured().provider.readReport(c.req.raw));
    await next();
  }
}
