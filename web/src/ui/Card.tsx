import { useId, type ReactNode } from 'react'
import styles from './Card.module.css'

/** A titled box. `flush` lets a table reach its edges. */
export function Card({
  title,
  aside,
  flush,
  children,
}: {
  title: string
  aside?: ReactNode
  flush?: boolean
  children: ReactNode
}) {
  const id = useId()
  return (
    <section className={styles.card} aria-labelledby={id}>
      <header className={styles.header}>
        <h2 id={id}>{title}</h2>
        {aside && <div className={styles.aside}>{aside}</div>}
      </header>
      <div className={flush ? undefined : styles.body}>{children}</div>
    </section>
  )
}
