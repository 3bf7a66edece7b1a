import { Modal } from '../ui/Modal'
import { keyCaps, SHORTCUTS, type Shortcut } from './shortcuts'
import styles from './CheatSheet.module.css'

const GROUPS: Shortcut['group'][] = ['Anywhere', 'Go to', 'Lists', 'Details']

const GRID_KEYS: [string[], string][] = [
  [['j', 'k'], 'Next and previous row'],
  [['PgUp', 'PgDn'], 'A page up and down'],
  [['Home', 'End'], 'First and last row'],
  [['Enter'], 'Open the row'],
]

export function CheatSheet({ onClose }: { onClose: () => void }) {
  return (
    <Modal open onClose={onClose} title="Keyboard shortcuts" width={720}>
      <div className={styles.groups}>
        {GROUPS.map((group) => (
          <section key={group}>
            <h3 className={styles.heading}>{group}</h3>
            <dl className={styles.list}>
              {(Object.values(SHORTCUTS) as Shortcut[])
                .filter((shortcut) => shortcut.group === group)
                .map((shortcut) => (
                  <Entry key={shortcut.keys} caps={keyCaps(shortcut.keys)} title={shortcut.title} />
                ))}
              {group === 'Lists' &&
                GRID_KEYS.map(([caps, title]) => <Entry key={title} caps={caps} title={title} />)}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  )
}

function Entry({ caps, title }: { caps: string[]; title: string }) {
  return (
    <div className={styles.entry}>
      <dt>{title}</dt>
      <dd>
        {caps.map((cap) => (
          <kbd key={cap}>{cap}</kbd>
        ))}
      </dd>
    </div>
  )
}
