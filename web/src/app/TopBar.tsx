import { Link } from '@tanstack/react-router'
import type { Me } from '../api/types'
import { ClusterSwitcher } from '../features/clusters/ClusterSwitcher'
import { FailureButton } from '../features/demo/FailureButton'
import { NoticeBell } from '../features/notices/NoticeBell'
import { AccountMenu } from '../features/users/AccountMenu'
import { Button, IconButton } from '../ui/Button'
import { Icon, type IconName } from '../ui/Icon'
import { Menu, MenuItem, MenuLabel } from '../ui/Menu'
import { Brand } from './Brand'
import { useLayout } from './layout'
import { keyCaps, SHORTCUTS } from './shortcuts'
import { useTheme, type ThemeChoice } from './theme'
import styles from './TopBar.module.css'

export function TopBar({ cluster, me }: { cluster: string | undefined; me: Me | undefined }) {
  const layout = useLayout()
  return (
    <header className={styles.bar}>
      <IconButton
        className={styles.menu}
        icon="menu"
        label="Navigation"
        aria-expanded={layout.navOpen}
        onClick={() => layout.set({ navOpen: !layout.navOpen })}
      />
      <Link to="/" className={styles.brand} aria-label="Kubilitics, home">
        <Brand />
        <span className={styles.name}>Kubilitics</span>
      </Link>
      <ClusterSwitcher current={cluster} />
      <FailureButton cluster={cluster} />
      <div className={styles.space} />
      <Button
        className={styles.ask}
        aria-pressed={layout.assistantOpen}
        onClick={() => layout.set({ assistantOpen: !layout.assistantOpen })}
      >
        <Icon name="spark" size={14} />
        <span className={styles.askText}>Ask or jump to…</span>
        <span className={styles.caps}>
          {keyCaps(SHORTCUTS.assistant.keys).map((cap) => (
            <kbd key={cap}>{cap.toUpperCase() === 'K' ? 'K' : cap}</kbd>
          ))}
        </span>
      </Button>
      <IconButton
        icon="keyboard"
        label="Keyboard shortcuts"
        shortcut="?"
        onClick={() => layout.set({ helpOpen: true })}
      />
      {me && <NoticeBell key={me.user} me={me} />}
      <ThemeMenu />
      {me && <AccountMenu me={me} />}
    </header>
  )
}

const THEMES: [ThemeChoice, string, IconName][] = [
  ['dark', 'Dark', 'moon'],
  ['light', 'Light', 'sun'],
  ['system', 'As the system', 'system'],
]

function ThemeMenu() {
  const theme = useTheme()
  const icon = THEMES.find(([choice]) => choice === theme.choice)?.[2] ?? 'system'
  return (
    <Menu align="end" trigger={<IconButton icon={icon} label="Theme" />}>
      <MenuLabel>Theme</MenuLabel>
      {THEMES.map(([choice, title]) => (
        <MenuItem key={choice} checked={theme.choice === choice} onSelect={() => theme.choose(choice)}>
          {title}
        </MenuItem>
      ))}
    </Menu>
  )
}
