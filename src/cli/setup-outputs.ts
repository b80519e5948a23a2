// What init, uninstall, doctor, status, fsck and config print with `--json`.

import * as z from 'zod/mini'
import type { Outputs } from './command'

const Action = z.union([
  z.object({ kind: z.literal('config'), how: z.enum(['set', 'add', 'remove']), name: z.string(), value: z.string() }),
  z.object({ kind: z.literal('hook'), path: z.string() }),
  z.object({ kind: z.literal('fetch'), refspecs: z.array(z.string()) }),
  z.object({ kind: z.literal('format') }),
])

const Finding = z.object({
  code: z.string(),
  severity: z.enum(['error', 'warning', 'info']),
  subject: z.string(),
  what: z.string(),
  risk: z.string(),
  /** Empty where nothing can be done by hand. */
  command: z.string(),
  fixable: z.boolean(),
  fixed: z.optional(z.boolean()),
})

const Setting = z.object({
  name: z.string(),
  value: z.string(),
  layer: z.enum(['default', 'team', 'personal', 'clone', 'command']),
  origin: z.string(),
})

export const outputs = {
  init: [
    z.object({
      folder: z.string(),
      remote: z.nullable(z.string()),
      transport: z.string(),
      steps: z.array(z.object({ what: z.string(), why: z.string(), action: Action })),
      warnings: z.array(z.string()),
      snippet: z.nullable(z.string()),
      dryRun: z.boolean(),
      adopted: z.int(),
    }),
    // With --all.
    z.object({
      folders: z.array(
        z.object({
          folder: z.string(),
          outcome: z.enum(['done', 'nothing', 'planned', 'refused']),
          message: z.string(),
        }),
      ),
    }),
  ],
  uninstall: z.object({
    folder: z.string(),
    removed: z.array(z.string()),
    restored: z.boolean(),
    refs: z.object({ kept: z.array(z.string()), removed: z.array(z.string()) }),
  }),
  doctor: z.object({ findings: z.array(Finding), clean: z.boolean() }),
  status: z.object({
    folder: z.string(),
    branch: z.nullable(z.string()),
    changedFiles: z.nullable(z.int()),
    upstream: z.nullable(z.object({ name: z.string(), ahead: z.int(), behind: z.int() })),
    enabled: z.boolean(),
    disabled: z.nullable(z.string()),
    remote: z.nullable(z.string()),
    url: z.nullable(z.string()),
    transport: z.string(),
    entries: z.nullable(z.int()),
    conflicts: z.nullable(z.int()),
    unsynced: z.int(),
    received: z.int(),
    /** The flow that this worktree works on; its slug is null where several go on and none was chosen. */
    flow: z.nullable(
      z.object({
        slug: z.nullable(z.string()),
        step: z.nullable(z.string()),
        leaf: z.nullable(z.string()),
        sealed: z.int(),
        leaves: z.int(),
        unverified: z.boolean(),
        /** Flows that are going on. */
        live: z.int(),
      }),
    ),
    lastSync: z.nullable(z.string()),
    waitUntil: z.nullable(z.string()),
    hook: z.enum(['installed', 'missing', 'unwanted']),
    gate: z.object({
      mode: z.enum(['off', 'remind', 'strict']),
      layer: z.enum(['default', 'team', 'personal', 'clone', 'command']),
      /** Who switched gates off for the whole team, and when. */
      disabledBy: z.nullable(z.object({ by: z.string(), at: z.string() })),
      /** Settings that are switched off, where the gate is on. */
      off: z.array(z.string()),
      /** Hooks of git's without our call, apart from pre-push. */
      missing: z.array(z.string()),
    }),
    next: z.array(z.string()),
  }),
  fsck: z.object({
    refs: z.int(),
    objects: z.int(),
    problems: z.array(
      z.object({
        code: z.enum(['BROKEN_REF', 'MISSING_OBJECT', 'CORRUPT_OBJECT', 'NOTES', 'AUDIT']),
        subject: z.string(),
        what: z.string(),
      }),
    ),
    quarantined: z.array(z.object({ ref: z.string(), path: z.string(), why: z.string() })),
    audit: z.union([
      z.object({ ran: z.literal(true), commits: z.int(), trees: z.int(), blobs: z.int() }),
      z.object({ ran: z.literal(false), why: z.string() }),
    ]),
  }),
  'config get': Setting,
  'config set': Setting,
  'config unset': Setting,
  'config list': z.object({ settings: z.array(Setting) }),
} satisfies Outputs
