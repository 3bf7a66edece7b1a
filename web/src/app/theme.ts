import { create } from 'zustand'

export type ThemeChoice = 'light' | 'dark' | 'system'

const KEY = 'kubilitics.theme'

interface ThemeState {
  choice: ThemeChoice
  choose: (choice: ThemeChoice) => void
}

/** The reader's theme. `public/theme.js` applies the stored choice before the first paint. */
export const useTheme = create<ThemeState>((set) => ({
  choice: stored(),
  choose: (choice) => {
    try {
      localStorage.setItem(KEY, choice)
    } catch {
      // Storage may be blocked; the choice then lasts for this page.
    }
    apply(choice)
    set({ choice })
  },
}))

/** Follows the system while the choice is `system`. */
export function followSystemTheme(): void {
  matchMedia('(prefers-color-scheme: light)').addEventListener('change', () =>
    apply(useTheme.getState().choice),
  )
}

export const NEXT_THEME: Record<ThemeChoice, ThemeChoice> = { dark: 'light', light: 'system', system: 'dark' }

function stored(): ThemeChoice {
  try {
    const value = localStorage.getItem(KEY)
    return value === 'light' || value === 'dark' ? value : 'system'
  } catch {
    return 'system'
  }
}

function apply(choice: ThemeChoice): void {
  const light =
    choice === 'light' || (choice === 'system' && matchMedia('(prefers-color-scheme: light)').matches)
  document.documentElement.dataset.theme = light ? 'light' : 'dark'
}
