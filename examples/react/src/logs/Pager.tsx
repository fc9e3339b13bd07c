import type { MouseEvent, ReactNode } from 'react'
import { PAGE_SIZE, type View, formatView } from './view.ts'
import { integerText } from './words.ts'

interface Props {
  /** How many logs match; undefined where that is not known. */
  readonly total: number | undefined
  readonly view: View
  readonly onGo: (page: number) => void
}

export function Pager({ total, view, onGo }: Props) {
  const { page } = view
  if (total === undefined) return null
  const pages = Math.max(1, Math.ceil(total / PAGE_SIZE))
  const from = (page - 1) * PAGE_SIZE + 1
  const to = Math.min(page * PAGE_SIZE, total)
  const range = from > total ? '0' : `${integerText(from)}–${integerText(to)}`
  const link = (label: string, target: number, children: ReactNode) => (
    <PageLink
      label={label}
      href={
        target === page || target < 1 || target > pages
          ? null
          : `?${formatView({ ...view, page: target }).slice(1)}`
      }
      onGo={() => onGo(target)}
    >
      {children}
    </PageLink>
  )
  return (
    <nav className="pager" aria-label="Pages">
      <span className="range">
        {range} of {integerText(total)}
      </span>
      {link('First page', 1, 'First')}
      {link('Previous page', Math.min(page - 1, pages), 'Previous')}
      {link('Next page', page + 1, 'Next')}
      {link('Last page', pages, 'Last')}
    </nav>
  )
}

interface PageLinkProps {
  readonly label: string
  /** Null where it leads nowhere: it keeps the focus, but none comes to it. */
  readonly href: string | null
  readonly onGo: () => void
  readonly children: ReactNode
}

function PageLink({ label, href, onGo, children }: PageLinkProps) {
  if (href === null)
    return (
      <a role="link" aria-label={label} aria-disabled="true" tabIndex={-1}>
        {children}
      </a>
    )
  const click = (event: MouseEvent) => {
    // To another tab or window, as the browser does it.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    onGo()
  }
  return (
    <a href={href} aria-label={label} onClick={click}>
      {children}
    </a>
  )
}
