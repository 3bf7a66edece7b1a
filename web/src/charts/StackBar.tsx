import type { Level } from '../api/types'
import { count } from '../kinds/format'
import { StatusShape } from '../ui/Status'
import styles from './StackBar.module.css'

export interface Part {
  name: string
  value: number
  level: Level
}

/** Shares of a whole as one bar and its legend; the legend alone says everything, the bar shows it. */
export function StackBar({ parts, label }: { parts: Part[]; label: string }) {
  const total = parts.reduce((sum, part) => sum + part.value, 0)
  const summary = parts.map((part) => `${part.value} ${part.name}`).join(', ')
  return (
    <div className={styles.stack}>
      <div className={styles.bar} role="img" aria-label={`${label}: ${summary || 'none'}`}>
        {parts.map((part) => (
          <span
            key={part.name}
            className={styles[part.level]}
            style={{ flexGrow: part.value / Math.max(1, total), minWidth: part.value ? 3 : 0 }}
          />
        ))}
      </div>
      <ul className={styles.legend}>
        {parts.map((part) => (
          <li key={part.name}>
            <StatusShape level={part.level} size={11} />
            <span>{part.name}</span>
            <strong>{count(part.value)}</strong>
          </li>
        ))}
      </ul>
    </div>
  )
}
