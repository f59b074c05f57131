FROM LANGUAGE_IMAGE AS runtime
USER root
RUN apt-get -q update && apt-get -q install -y --no-install-recommends openjdk-21-jre-headless && rm -rf /var/lib/apt/lists/* && ln -s java-21-openjdk-$(dpkg --print-architecture) /usr/lib/jvm/java
USER app

FROM runtime AS build
USER root
RUN apt-get -q update && apt-get -q install -y --no-install-recommends openjdk-21-jdk-headless maven libmaven-clean-plugin-java \
    libmaven-compiler-plugin-java libmaven-install-plugin-java libmaven-jar-plugin-java libmaven-resources-plugin-java libsurefire-java
USER app
COPY --chown=app:app . ./
RUN mvn --batch-mode --settings settings.xml -DskipTests package

FROM runtime
COPY --from=build --chown=app:app /app/target/hello-1.0.jar ./
CMD ["java", "-jar", "hello-1.0.jar"]
