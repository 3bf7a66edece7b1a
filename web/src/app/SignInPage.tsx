import { ErrorNotice } from '../ui/Notice'
import { Brand } from './Brand'
import styles from './HomePage.module.css'

/** Shown when the server does not know the reader. */
export function SignInPage({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <main className={styles.welcome}>
      <Brand size={44} />
      <h1 className={styles.title}>You are not signed in</h1>
      <p className={styles.lead}>
        On your own machine, open the address that <code>make run</code> printed: opening it signs this
        browser in. If it was started with <code>LOCAL_AUTH=link</code>, use the one-time link that it
        printed. A restart ends earlier sessions.
      </p>
      <ErrorNotice error={error} onRetry={onRetry} />
    </main>
  )
}
