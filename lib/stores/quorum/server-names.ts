/** A name under which a server is configured. */
export interface ServerName {
  readonly label: string;
}

/**
 * Which name votes for which server. A server that is configured under two names, or that two names lead to after a change
 * of DNS, has one vote: that of the name under which it was identified first. That name keeps it until it is found to lead
 * to another server, also while it is not connected: a vote that moved to the other name meanwhile would count twice.
 */
export class ServerNames {
  private readonly voters = new Map<string, ServerName>();
  private readonly servers = new Map<ServerName, string>();

  /**
   * A name was found to lead to this server.
   *
   * @returns the other name that votes for it; `null`: this one does
   */
  claim(name: ServerName, server: string): ServerName | null {
    const before = this.servers.get(name);
    if (before !== server && before !== undefined && this.voters.get(before) === name) this.voters.delete(before);
    this.servers.set(name, server);
    const voter = this.voters.get(server);
    if (voter === undefined) this.voters.set(server, name);
    return voter === undefined || voter === name ? null : voter;
  }
}
