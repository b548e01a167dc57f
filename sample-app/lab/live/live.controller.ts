import { fileURLToPath } from 'node:url';
import { Controller, Get, Param, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Response } from 'express';
import { LiveStreams } from './live-streams.js';

const pageFolder = fileURLToPath(new URL('../page/', import.meta.url));

/** Nothing from elsewhere, no code and no styles inside of the page, and no frame around it. */
const policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'";

/** The live page, its files, and its stream of events. */
@ApiExcludeController()
@Controller('live')
export class LiveController {
  constructor(private readonly streams: LiveStreams) {}

  @Get('events')
  events(@Res() response: Response): void {
    if (!this.streams.open(response)) response.status(503).json({ message: 'This replica serves no more pages now.' });
  }

  @Get()
  page(@Res() response: Response): void {
    this.send(response, 'index.html');
  }

  @Get('*path')
  file(@Param('path') path: string | string[], @Res() response: Response): void {
    this.send(response, Array.isArray(path) ? path.join('/') : path);
  }

  private send(response: Response, file: string): void {
    response.set({
      'Content-Security-Policy': policy,
      'X-Content-Type-Options': 'nosniff',
      'Referrer-Policy': 'no-referrer',
      'Cache-Control': 'no-cache',
    });
    // Stays inside of the folder, whatever the path says.
    response.sendFile(file, { root: pageFolder, dotfiles: 'deny', cacheControl: false }, (error?: Error) => {
      if (error === undefined || response.headersSent) return;
      response.status(404).json({ message: 'There is no such file.' });
    });
  }
}
