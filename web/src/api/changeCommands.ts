/** What is asked of changes and what governs them. Each answers with the thing as it is afterwards. */
import { call, path } from './client'
import type {
  Autonomy,
  ChainVerification,
  Change,
  ChangeMethod,
  CreatedUser,
  NewChange,
  NewSchedule,
  NewStanding,
  Policies,
  PutAutonomy,
  PutPolicies,
  Role,
  Run,
  Schedule,
  Standing,
} from './types'

/** Confirmation as it was given: `phrase` is what was typed. */
export interface Confirmation {
  method: ChangeMethod
  phrase: string
}

export const askForChange = (asked: Partial<NewChange>) => call<Change>('POST', '/changes', { body: asked })

export const approveChange = (id: string, given: Confirmation) =>
  call<Change>('POST', path('changes', id, 'approve'), { body: given })

export const rejectChange = (id: string, note: string) =>
  call<Change>('POST', path('changes', id, 'reject'), { body: { note } })

export const cancelChange = (id: string, note: string) =>
  call<Change>('POST', path('changes', id, 'cancel'), { body: { note } })

export const undoChange = (id: string) => call<Change>('POST', path('changes', id, 'undo'))

export const planRun = (asked: { cluster: string; playbook: string; arguments: Record<string, string> }) =>
  call<Run>('POST', '/runs', { body: asked })

export const approveRun = (id: string, given: Confirmation) =>
  call<Run>('POST', path('runs', id, 'approve'), { body: given })

export const rejectRun = (id: string) => call<Run>('POST', path('runs', id, 'reject'))

export const cancelRun = (id: string) => call<Run>('POST', path('runs', id, 'cancel'))

export const proposeSchedule = (asked: NewSchedule) => call<Schedule>('POST', '/schedules', { body: asked })

export const approveSchedule = (id: string, phrase: string) =>
  call<Schedule>('POST', path('schedules', id, 'approve'), { body: { phrase } })

export const enableSchedule = (id: string, enabled: boolean) =>
  call<Schedule>('PATCH', path('schedules', id), { body: { enabled } })

export const removeSchedule = (id: string) => call<null>('DELETE', path('schedules', id))

export const putPolicies = (all: PutPolicies) => call<Policies>('PUT', '/policies', { body: all })

export const putAutonomy = (settings: PutAutonomy) => call<Autonomy>('PUT', '/autonomy', { body: settings })

export const signStanding = (asked: NewStanding) =>
  call<Standing>('POST', '/standing-approvals', { body: asked })

export const revokeStanding = (id: string) => call<null>('DELETE', path('standing-approvals', id))

export const verifyAudit = () => call<ChainVerification>('GET', '/audit/verify')

export const addUser = (name: string, role: Role) =>
  call<CreatedUser>('POST', '/users', { body: { name, role } })

export const removeUser = (id: string) => call<null>('DELETE', path('users', id))
