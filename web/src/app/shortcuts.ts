import { useEffect, useRef } from 'react'

export interface Shortcut {
  /** Keys as pressed one after another: `?`, `shift+s`, `g p`, `mod+k` (mod is Ctrl, or Cmd on a Mac). */
  keys: string
  title: string
  group: 'Anywhere' | 'Go to' | 'Lists' | 'Details'
  /** Also while typing in a field. */
  inFields?: boolean
}

/** Every shortcut of the product, in one place: the cheat sheet, the handlers and the tests read this table. */
export const SHORTCUTS = {
  assistant: { keys: 'mod+k', title: 'Open or close the assistant', group: 'Anywhere', inFields: true },
  command: { keys: ':', title: 'Command: kind, namespace, @cluster', group: 'Anywhere' },
  clusters: { keys: 'c', title: 'Switch cluster', group: 'Anywhere' },
  help: { keys: '?', title: 'This cheat sheet', group: 'Anywhere' },
  theme: { keys: 'shift+t', title: 'Switch theme', group: 'Anywhere' },
  back: { keys: '[', title: 'Back', group: 'Anywhere' },
  forward: { keys: ']', title: 'Forward', group: 'Anywhere' },
  goOverview: { keys: 'g o', title: 'Overview', group: 'Go to' },
  goProblems: { keys: 'g a', title: 'Problems', group: 'Go to' },
  goInvestigations: { keys: 'g i', title: 'Investigations', group: 'Go to' },
  goChanges: { keys: 'g c', title: 'Changes', group: 'Go to' },
  goPlaybooks: { keys: 'g b', title: 'Playbooks', group: 'Go to' },
  goAudit: { keys: 'g l', title: 'Audit log', group: 'Go to' },
  goPolicies: { keys: 'g r', title: 'Policies and rules', group: 'Go to' },
  goPods: { keys: 'g p', title: 'Pods', group: 'Go to' },
  goDeployments: { keys: 'g d', title: 'Deployments', group: 'Go to' },
  goNodes: { keys: 'g n', title: 'Nodes', group: 'Go to' },
  goEvents: { keys: 'g e', title: 'Events', group: 'Go to' },
  filter: { keys: '/', title: 'Filter', group: 'Lists' },
  sortStatus: { keys: 'shift+s', title: 'Sort by status, worst first', group: 'Lists' },
  sortName: { keys: 'shift+n', title: 'Sort by name', group: 'Lists' },
  sortAge: { keys: 'shift+a', title: 'Sort by age', group: 'Lists' },
  refreshList: { keys: 'r', title: 'Show the newest data', group: 'Lists' },
  describe: { keys: 'd', title: 'Summary', group: 'Details' },
  yaml: { keys: 'y', title: 'YAML', group: 'Details' },
  events: { keys: 'e', title: 'Events', group: 'Details' },
  logs: { keys: 'l', title: 'Logs', group: 'Details' },
  previousLogs: { keys: 'p', title: 'Logs of the previous container', group: 'Details' },
  close: { keys: 'escape', title: 'Close the innermost panel', group: 'Details' },
} as const satisfies Record<string, Shortcut>

export type ShortcutId = keyof typeof SHORTCUTS

const SEQUENCE_MS = 900

/** Turns key events into shortcut ids; keeps the first key of a sequence for a moment. Pure but for its clock argument. */
export class KeyMatcher {
  private pending = ''
  private pendingAt = 0

  match(
    event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>,
    now: number,
  ): ShortcutId | null {
    const pressed = keyName(event)
    const sequence =
      this.pending && now - this.pendingAt < SEQUENCE_MS ? `${this.pending} ${pressed}` : pressed
    this.pending = ''
    const entries = Object.entries(SHORTCUTS) as [ShortcutId, Shortcut][]
    const hit = entries.find(([, shortcut]) => shortcut.keys === sequence)
    if (hit) {
      return hit[0]
    }
    if (entries.some(([, shortcut]) => shortcut.keys.startsWith(`${pressed} `))) {
      this.pending = pressed
      this.pendingAt = now
    }
    return null
  }
}

function keyName(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>): string {
  const key = event.key.toLowerCase()
  if (event.ctrlKey || event.metaKey) {
    return `mod+${key}`
  }
  if (event.altKey) {
    return `alt+${key}`
  }
  const letter = key.length === 1 && key >= 'a' && key <= 'z'
  return event.shiftKey && letter ? `shift+${key}` : key
}

type Handler = (event: KeyboardEvent) => void

/** Handlers by shortcut; the one that mounted last wins, so an open panel takes a key before the page under it. */
const handlers = new Map<ShortcutId, Handler[]>()
const matcher = new KeyMatcher()

export function listenForShortcuts(target: Window): void {
  target.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.isComposing) {
      return
    }
    const id = matcher.match(event, event.timeStamp)
    const handler = id && handlers.get(id)?.at(-1)
    const shortcut: Shortcut | null = id && SHORTCUTS[id]
    if (!handler || !shortcut || (isField(event.target) && !shortcut.inFields)) {
      return
    }
    event.preventDefault()
    handler(event)
  })
}

/** Runs `handler` on the shortcut while the component is mounted and `enabled`. */
export function useShortcut(id: ShortcutId, handler: Handler, enabled = true): void {
  const latest = useRef(handler)
  useEffect(() => {
    latest.current = handler
  })
  useEffect(() => {
    if (!enabled) {
      return
    }
    const run: Handler = (event) => latest.current(event)
    handlers.set(id, [...(handlers.get(id) ?? []), run])
    return () => {
      handlers.set(
        id,
        (handlers.get(id) ?? []).filter((other) => other !== run),
      )
    }
  }, [id, enabled])
}

function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) {
    return false
  }
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)
}

const ON_MAC = typeof navigator !== 'undefined' && /mac/i.test(navigator.platform ?? '')

/** Keys as caps for display: `mod+k` -> [`Ctrl`, `K`]. */
export function keyCaps(keys: string): string[] {
  return keys
    .split(/[ +]/)
    .map((key) =>
      key === 'mod' ? (ON_MAC ? '⌘' : 'Ctrl') : key === 'escape' ? 'Esc' : key === 'shift' ? 'Shift' : key,
    )
}
