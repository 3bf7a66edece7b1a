import { useState, type ReactNode } from 'react'
import { Link } from '@tanstack/react-router'
import styles from './EvidenceLink.module.css'

/** Opens a piece of evidence over the page; the address then names it, so it can be shared. */
export function EvidenceLink({ id, children, label }: { id: string; children: ReactNode; label?: string }) {
  return (
    <Link
      to="."
      search={((previous: Record<string, unknown>) => ({ ...previous, evidence: id })) as never}
      className={styles.link}
      aria-label={label}
      preload={false}
      resetScroll={false}
    >
      {children}
    </Link>
  )
}

const SHOWN_MARKS = 12

/** Numbered references to evidence, as in a report; many of them on demand. */
export function EvidenceMarks({ ids, of }: { ids: string[]; of: string }) {
  const [all, setAll] = useState(false)
  if (ids.length === 0) {
    return null
  }
  const shown = all ? ids : ids.slice(0, SHOWN_MARKS)
  return (
    <span className={styles.marks}>
      <span className={styles.caption}>Evidence</span>
      {shown.map((id, index) => (
        <EvidenceLink key={id} id={id} label={`Evidence ${index + 1} for ${of}`}>
          {index + 1}
        </EvidenceLink>
      ))}
      {shown.length < ids.length && (
        <button type="button" className={styles.more} onClick={() => setAll(true)}>
          {ids.length - shown.length} more
        </button>
      )}
    </span>
  )
}
