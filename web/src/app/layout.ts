import { create } from 'zustand'
import { recall, remember } from './storage'

interface LayoutState {
  assistantOpen: boolean
  assistantWidth: number
  /** Text to start the assistant's input with, e.g. `:` for a command; consumed when shown. */
  assistantDraft: string
  /** A question to ask as soon as the assistant is open. */
  assistantQuestion: string
  helpOpen: boolean
  clusterMenuOpen: boolean
  /** The navigation over the page, where the window is narrow. */
  navOpen: boolean
  addClusterOpen: boolean
  openAssistant: (draft?: string) => void
  ask: (question: string) => void
  set: (change: Partial<LayoutState>) => void
}

const WIDTH_KEY = 'kubilitics.assistant-width'
const DEFAULT_WIDTH_PX = 400
export const MIN_WIDTH_PX = 320

/** What is open in the frame around the pages. What a page shows is in its address instead. */
export const useLayout = create<LayoutState>((set) => ({
  assistantOpen: false,
  assistantWidth: storedWidth(),
  assistantDraft: '',
  assistantQuestion: '',
  helpOpen: false,
  clusterMenuOpen: false,
  navOpen: false,
  addClusterOpen: false,
  openAssistant: (draft = '') => set({ assistantOpen: true, assistantDraft: draft }),
  ask: (question) => set({ assistantOpen: true, assistantQuestion: question }),
  set: (change) => {
    if (change.assistantWidth !== undefined) {
      remember(WIDTH_KEY, String(change.assistantWidth))
    }
    set(change)
  },
}))

const CLUSTER_KEY = 'kubilitics.cluster'

let opened: string | undefined

/** The product itself opened this cluster, for want of a better one: that is no choice to remember. */
export function openedByItself(id: string): void {
  opened = id
}

export function rememberCluster(id: string): void {
  if (id !== opened) {
    opened = undefined
    remember(CLUSTER_KEY, id)
  }
}

export function forgetCluster(id: string): void {
  if (rememberedCluster() === id) {
    remember(CLUSTER_KEY, '')
  }
}

export function rememberedCluster(): string | null {
  return recall(CLUSTER_KEY)
}

function storedWidth(): number {
  const width = Number(recall(WIDTH_KEY))
  return Number.isFinite(width) && width >= MIN_WIDTH_PX ? width : DEFAULT_WIDTH_PX
}
