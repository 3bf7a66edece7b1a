import type { Level } from '../../api/types'
import { bytes, cores, duration } from '../../kinds/format'

/** A container as the API describes it; of a workload's template it has no state. */
export interface Container {
  name: string
  init?: boolean
  image?: string
  requests?: Record<string, unknown>
  limits?: Record<string, unknown>
  ports?: string[]
  probes?: Record<string, string>
  ready?: boolean
  restarts?: number
  state?: ContainerState | null
  last_state?: ContainerState | null
}

export interface ContainerState {
  state: string
  reason?: string
  message?: string
  exit_code?: number
  since?: string | null
  until?: string | null
}

const STARTING = new Set(['ContainerCreating', 'PodInitializing'])

export function levelOfContainer({ state, ready, init }: Container): Level {
  switch (state?.state) {
    case 'running':
      return ready || init ? 'ok' : 'warn'
    case 'waiting':
      return STARTING.has(state.reason ?? '') ? 'progress' : 'crit'
    case 'terminated':
      return state.exit_code ? 'crit' : 'ok'
    default:
      return 'unknown'
  }
}

/** Containers of a running pod; those of a workload's template have no state. */
export function withState(containers: Container[]): Container[] {
  return containers.filter((container) => container.state !== undefined)
}

/** Whether a container has never run: then there is no log to read, and its state says why. */
export function neverRan({ state, last_state, restarts }: Container): boolean {
  return state?.state === 'waiting' && !last_state && !restarts
}

/** `Waiting: ImagePullBackOff`, `Terminated: OOMKilled (exit 137) after 6m4s`. */
export function stateWords(state: ContainerState | null | undefined): string {
  if (!state) {
    return 'No state'
  }
  const word = state.state.charAt(0).toUpperCase() + state.state.slice(1)
  const reason = state.reason ? `: ${state.reason}` : ''
  const exit = state.exit_code === undefined ? '' : ` (exit ${state.exit_code})`
  return word + reason + exit + lasted(state)
}

function lasted({ since, until }: ContainerState): string {
  const seconds = since && until ? (Date.parse(until) - Date.parse(since)) / 1000 : NaN
  return Number.isFinite(seconds) ? ` after ${duration(seconds)}` : ''
}

/** `cpu 250m of 500m, memory 256 MiB of 512 MiB`; no limit is said, because it matters. */
export function resourceWords({ requests, limits }: Container): string {
  const names = [...new Set([...Object.keys(requests ?? {}), ...Object.keys(limits ?? {})])]
  if (names.length === 0) {
    return 'none set'
  }
  return names
    .map((name) => {
      const limit = limits?.[name]
      const request = requests?.[name]
      return `${name} ${request === undefined ? 'no request' : quantity(name, request)}, ${
        limit === undefined ? 'no limit' : `limit ${quantity(name, limit)}`
      }`
    })
    .join('; ')
}

function quantity(name: string, value: unknown): string {
  if (typeof value !== 'number') {
    return String(value)
  }
  return name === 'cpu' ? cores(value) : /memory|storage|hugepages/.test(name) ? bytes(value) : String(value)
}
