import { Link } from '@tanstack/react-router'
import { EmptyState } from '../ui/Notice'

export function NotFoundPage() {
  return (
    <EmptyState page title="There is no page at this address">
      <p>The link may be out of date, or the cluster or object it named may be gone.</p>
      <Link to="/">Go to the overview</Link>
    </EmptyState>
  )
}
