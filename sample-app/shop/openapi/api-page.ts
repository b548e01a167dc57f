import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import type { OpenAPIObject } from '@nestjs/swagger';
import type { NextFunction, Request, Response } from 'express';
import { SHOP_CONFIG } from '../config/config.js';
import type { ShopConfig } from '../config/config.js';
import { ReplicaMiddleware } from '../http/replica.middleware.js';
import { securityHeaders } from '../http/security-headers.js';

const methods = ['get', 'post', 'put', 'patch', 'delete'] as const;

const headers = {
  'X-Replica': { description: 'The process that answered.', schema: { type: 'string' } },
  'X-Request-Id': { description: 'As it was sent, or made up: the log has it.', schema: { type: 'string' } },
} as const;

/** The description of all routes, with the headers that every answer has. */
export function apiDocument(app: INestApplication): OpenAPIObject {
  const config = new DocumentBuilder()
    .setTitle('Shop')
    .setDescription('A catalog, orders and prices, served by several replicas that share locks on Redis.')
    .setVersion('1')
    .build();
  const document = SwaggerModule.createDocument(app, config);
  for (const path of Object.values(document.paths)) {
    for (const method of methods) {
      for (const answer of Object.values(path[method]?.responses ?? {})) {
        if (answer !== undefined && !('$ref' in answer)) answer.headers = { ...headers, ...answer.headers };
      }
    }
  }
  return document;
}

/** Serves the description as a page at `/api`, with nothing from elsewhere, and as JSON at `/api/openapi.json`. */
export function serveApiPage(app: INestApplication): void {
  // The page's routes come before those of Nest, and before its middleware.
  const replica = new ReplicaMiddleware(app.get<ShopConfig>(SHOP_CONFIG));
  app.use('/api', securityHeaders, pagePolicy, replica.use.bind(replica));
  SwaggerModule.setup('api', app, () => apiDocument(app), {
    jsonDocumentUrl: 'api/openapi.json',
    raw: ['json'],
    customSiteTitle: 'Shop API',
  });
}

/** The page has its scripts in files, but styles and images inside of it. */
function pagePolicy(_request: Request, response: Response, next: NextFunction): void {
  const policy = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'";
  response.set('Content-Security-Policy', policy);
  next();
}
